"""Training the words: LoRA adapters by supervised fine-tuning (SFT), JPO and DPO, and the judges that score replies.

    verifiable.py               the score of one message, 1 to 10, with reasons, by rules
    model_judge.py              the same by a model
    judged_message.py           messages to judge: those of transcripts, replies of pairs
    scores.py                   scores on disk, beside what they score
    base.py, tokens.py          the base model, and prompts as its tokens: those of run time
    choose.py, picking.py       which pairs are learned from
    prefix_tree.py, forward.py  sequences that begin alike, computed once
    objectives.py               the losses, as pure functions
    loop.py, checkpoint.py      gradient steps that can be stopped, killed and resumed
    adapter.py                  the LoRA adapter and its folder
    sft.py, jpo.py, dpo.py      the three ways of training
    sampler.py, sampling.py     replies of the model being trained

The judges need nothing beyond Poise; all else needs torch, transformers and peft (`pip install 'poise[train]'`), which
are imported when they are used.
"""
