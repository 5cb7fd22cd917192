"""Exporting an adapter: the numbers that llama.cpp gets, what is refused, and that nothing half made is played."""

from __future__ import annotations

import errno
import json
import math
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

gguf = pytest.importorskip("gguf")  # the train extra
pytest.importorskip("safetensors")

import numpy as np  # noqa: E402 - after the check for the extra
from helpers.export_files import (  # noqa: E402
    BLOCKS,
    HEAD,
    HEADS,
    KV_HEADS,
    NAMES,
    factors,
    write_base,
    write_peft,
    write_provenance,
)
from helpers.ollama_server import RECORDED, Answer, StandIn, answer, free_port, recorded_exchanges  # noqa: E402
from hypothesis import given  # noqa: E402
from hypothesis import strategies as st  # noqa: E402
from typer.testing import CliRunner  # noqa: E402

from poise.agents.artifact import Artifact, load_artifact, save_artifact  # noqa: E402
from poise.agents.models.embedded.engine import Engine  # noqa: E402
from poise.agents.models.embedded.weights import SMOLLM2_WEIGHTS, find_weights  # noqa: E402
from poise.agents.models.models import check_model  # noqa: E402
from poise.agents.models.settings import ModelSettings  # noqa: E402
from poise.agents.registry import find_agent  # noqa: E402
from poise.cli.app import app  # noqa: E402
from poise.common.errors import AgentError, ConfigError, ModelDown, ModelMissing, StoreError  # noqa: E402
from poise.training.export.adapter_file import reorder, write_adapter  # noqa: E402
from poise.training.export.base_file import BaseFile, read_base  # noqa: E402
from poise.training.export.exporting import ExportSettings, export_agent  # noqa: E402
from poise.training.export.fidelity import compare, divergence, greedy_replies  # noqa: E402
from poise.training.export.ollama_model import Served, check_server  # noqa: E402
from poise.training.export.peft_folder import read_lora  # noqa: E402


@pytest.fixture
def base(tmp_path):
    return write_base(tmp_path / "base.gguf")


@pytest.fixture
def trained(tmp_path, base):
    return write_provenance(write_peft(tmp_path / "sft"), base)


def in_file(path: Path) -> dict[str, np.ndarray]:
    """Every tensor of a GGUF file, as numbers."""
    return {
        each.name: gguf.quants.dequantize(each.data, each.tensor_type).reshape(tuple(reversed(each.shape.tolist())))
        for each in gguf.GGUFReader(str(path)).tensors
    }


# --- the numbers


def halves(head: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """The rotary embedding as transformers computes it: number i is paired with number i + size/2."""
    size = len(head) // 2
    low, high = head[:size], head[size:]
    return np.concatenate([low * np.cos(angles) - high * np.sin(angles), high * np.cos(angles) + low * np.sin(angles)])


def neighbours(head: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """The rotary embedding as llama.cpp computes it: number 2i is paired with number 2i + 1."""
    low, high = head[0::2], head[1::2]
    turned = np.empty_like(head)
    turned[0::2] = low * np.cos(angles) - high * np.sin(angles)
    turned[1::2] = high * np.cos(angles) + low * np.sin(angles)
    return turned


@given(heads=st.integers(1, 9), half=st.integers(1, 8), seed=st.integers(0, 99))
def test_reordered_rows_give_the_same_attention_under_llama_cpps_rotation(heads, half, seed):
    """Su et al. 2021: attention sees a head's dot products alone, which the order of its numbers does not change."""
    dice = np.random.default_rng(seed)
    size = 2 * half
    q, k = dice.normal(size=(2, heads * size, 1)).astype(np.float32)
    at_q, at_k = dice.uniform(0, 6, size=(2, half))
    for head in range(heads):
        part = slice(head * size, (head + 1) * size)
        wanted = halves(q[part, 0], at_q) @ halves(k[part, 0], at_k)
        found = neighbours(reorder(q, heads)[part, 0], at_q) @ neighbours(reorder(k, heads)[part, 0], at_k)
        assert found == pytest.approx(wanted, rel=1e-4, abs=1e-4)


TARGETS = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@pytest.mark.parametrize("architecture", ["llama", "qwen2"])
def test_the_file_has_each_matrix_change_where_the_base_has_the_matrix(tmp_path, architecture):
    tensors = factors(targets=TARGETS)
    lora = read_lora(write_peft(tmp_path / "sft", tensors))
    base = read_base(write_base(tmp_path / "base.gguf", architecture))
    write_adapter(lora, base, tmp_path / "adapter.gguf", "f32")
    found = in_file(tmp_path / "adapter.gguf")
    assert len(found) == len(tensors)
    for block in range(BLOCKS):
        for matrix in TARGETS:
            name = f"blk.{block}.{NAMES[matrix]}.weight"
            part = "mlp" if matrix in ("gate_proj", "up_proj", "down_proj") else "self_attn"
            stem = f"base_model.model.model.layers.{block}.{part}.{matrix}"
            change = tensors[f"{stem}.lora_B.weight"] @ tensors[f"{stem}.lora_A.weight"]
            heads = {"q_proj": HEADS, "k_proj": KV_HEADS}.get(matrix)  # k has fewer
            if architecture == "llama" and heads:
                change = reorder(change, heads)
            assert found[f"{name}.lora_b"] @ found[f"{name}.lora_a"] == pytest.approx(change, rel=1e-5, abs=1e-5)
    assert HEADS != KV_HEADS
    assert HEAD > 2


def test_the_header_is_what_llama_cpp_and_ollama_look_for(tmp_path, base):
    write_adapter(read_lora(write_peft(tmp_path / "sft")), read_base(base), tmp_path / "a.gguf")
    reader = gguf.GGUFReader(str(tmp_path / "a.gguf"))
    told = {name: reader.get_field(name).contents() for name in reader.fields if not name.startswith("GGUF.")}
    assert told == {
        "general.architecture": "llama",
        "general.type": "adapter",
        "adapter.type": "lora",
        "adapter.lora.alpha": 8.0,
    }
    assert reader.get_field("adapter.lora.alpha").types == [gguf.GGUFValueType.FLOAT32]


@pytest.mark.parametrize(
    ("config", "scale"),
    [
        ({}, 8 / 4),
        ({"use_rslora": True}, 8 / math.sqrt(4)),
        ({"alpha_pattern": {"q_proj": 20}}, 20 / 4),
        ({"alpha_pattern": {"layers.1.self_attn.q_proj": 20}}, 8 / 4),
        ({"alpha_pattern": {"k_proj": 20}}, 8 / 4),
    ],
)
def test_whatever_peft_scales_by_is_in_the_numbers(tmp_path, base, config, scale):
    """llama.cpp multiplies by alpha of the file / rank of the matrix (llama-adapter.h, get_scale)."""
    tensors = factors()
    lora = read_lora(write_peft(tmp_path / "sft", tensors, **config))
    write_adapter(lora, read_base(base), tmp_path / "a.gguf", "f32")
    found, stem = in_file(tmp_path / "a.gguf"), "base_model.model.model.layers.0.self_attn.q_proj"
    ours = lora.alpha / 4 * found["blk.0.attn_q.weight.lora_b"] @ found["blk.0.attn_q.weight.lora_a"]
    theirs = scale * tensors[f"{stem}.lora_B.weight"] @ tensors[f"{stem}.lora_A.weight"]
    assert ours == pytest.approx(reorder(theirs, HEADS), rel=1e-5, abs=1e-5)


@pytest.mark.parametrize(("precision", "error"), [("f32", 0.0), ("f16", 5e-4), ("q8_0", 5e-3)])
def test_each_precision_keeps_what_it_can(tmp_path, base, precision, error):
    lora = read_lora(write_peft(tmp_path / "sft"))
    write_adapter(lora, read_base(base), tmp_path / "a.gguf", precision)
    found = in_file(tmp_path / "a.gguf")["blk.1.attn_v.weight.lora_a"]
    exact = lora.matrices[1, "v_proj"].a
    assert np.abs(found - exact).max() <= error * np.abs(exact).max()


def test_the_same_adapter_is_the_same_bytes(tmp_path, base):
    lora = read_lora(write_peft(tmp_path / "sft"))
    for name in ("one", "two"):
        write_adapter(lora, read_base(base), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_bfloat16_is_read(tmp_path):
    """Its numbers are the upper halves of float32's; the format is a header's length, the header, and the numbers."""
    header, data = {}, b""
    for name, values in factors().items():
        half = (values.view(np.uint32) >> 16).astype("<u2").tobytes()
        place = [len(data), len(data) + len(half)]
        header[name] = {"dtype": "BF16", "shape": values.shape, "data_offsets": place}
        data += half
    told = json.dumps(header).encode()
    folder = write_peft(tmp_path / "sft")
    (folder / "adapter_model.safetensors").write_bytes(len(told).to_bytes(8, "little") + told + data)
    exact = factors()["base_model.model.model.layers.0.self_attn.o_proj.lora_A.weight"]
    found = read_lora(folder).matrices[0, "o_proj"].a
    assert found == pytest.approx(exact, rel=2**-7)
    assert not (found == exact).all()


@given(st.lists(st.floats(-20, 5), min_size=2, max_size=12), st.integers(0, 11), st.integers(0, 99))
def test_divergence_is_zero_for_the_same_and_at_most_that_of_all_tokens_for_another(logits, count, seed):
    """Gibbs' inequality; and what is put together cannot be told apart better (data processing inequality)."""

    def logs(values):
        values = np.asarray(values)
        return values - np.logaddexp.reduce(values)

    own = logs(logits)
    other = logs(np.random.default_rng(seed).normal(size=len(own)))
    count = min(count, len(own))
    likeliest = sorted(enumerate(other.tolist()), key=lambda each: -each[1])[:count]
    assert divergence(own, list(enumerate(own.tolist()))[:count]) == pytest.approx(0, abs=1e-6)
    whole = float(np.sum(np.exp(own) * (own - other)))
    assert -1e-9 <= divergence(own, likeliest) <= whole + 1e-6


# --- what is refused


def changed(**parts):
    return {**factors(), **parts}


STEM = "base_model.model.model.layers.0.self_attn.q_proj"


@pytest.mark.parametrize(
    ("tensors", "config", "told"),
    [
        (None, {"peft_type": "IA3"}, "kind 'IA3'; only LoRA"),
        (None, {"use_dora": True}, "use_dora is True"),
        (None, {"bias": "all"}, "bias is 'all'"),
        (None, {"modules_to_save": ["lm_head"]}, "modules_to_save"),
        (None, {"init_lora_weights": "pissa_niter_4"}, "changes the base's own weights"),
        (None, {"lora_alpha": 0}, "lora_alpha is 0 and must be above 0"),
        (changed(**{"base_model.model.lm_head.lora_A.weight": np.zeros((4, 4), np.float32)}), {}, "changes .*lm_head"),
        (changed(**{f"{STEM}.lora_A.weight": np.full((4, 32), np.nan, np.float32)}), {}, "not finite"),
        (changed(**{f"{STEM}.lora_A.weight": np.zeros((3, 32), np.float32)}), {}, "A and B of q_proj in block 0"),
        (changed(**{f"{STEM}.lora_A.weight": np.zeros((4, 32), np.int64)}), {}, "of kind I64"),
        ({}, {}, "no LoRA matrices"),
    ],
)
def test_more_or_less_than_a_lora_is_refused(tmp_path, tensors, config, told):
    with pytest.raises(AgentError, match=told):
        read_lora(write_peft(tmp_path / "sft", tensors, **config))


def test_a_folder_without_an_adapter_and_a_damaged_one_are_refused(tmp_path):
    with pytest.raises(AgentError, match=r"no adapter_config\.json in it"):
        read_lora(tmp_path)
    folder = write_peft(tmp_path / "sft")
    weights = folder / "adapter_model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-5])
    with pytest.raises(AgentError, match="damaged or missing"):
        read_lora(folder)


def test_an_adapter_of_other_shapes_is_refused_with_both(tmp_path, trained):
    wide = write_base(tmp_path / "wide.gguf", width=64)
    with pytest.raises(AgentError, match=r"another base: its \w_proj in block 0 is \[.*wide\.gguf has \[.*--gguf"):
        read_base(wide).fit(read_lora(trained), trained)
    deep = factors()
    deep = {name.replace("layers.1", "layers.7"): values for name, values in deep.items()}
    lora = read_lora(write_peft(tmp_path / "deep", deep))
    with pytest.raises(AgentError, match=r"block 7 .*has no such matrix"):
        read_base(trained.parent / "base.gguf").fit(lora, trained)


def test_an_architecture_that_is_not_known_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="architecture 'mamba'; adapters can be exported for llama, qwen2, qwen3"):
        read_base(write_base(tmp_path / "other.gguf", "mamba"))


def test_what_is_no_gguf_file_is_refused(tmp_path):
    (tmp_path / "text.gguf").write_text("hello")
    for name in ("text.gguf", "missing.gguf"):
        with pytest.raises(ConfigError, match=f"{name} cannot be read as a model's GGUF file"):
            read_base(tmp_path / name)


def test_an_adapter_of_another_base_is_refused_by_its_checksum_before_anything_is_written(tmp_path, trained):
    other = write_base(tmp_path / "other.gguf")
    other.write_bytes(other.read_bytes() + b"\0")  # the same sizes, other weights
    with pytest.raises(ConfigError, match=r"is an adapter for 'base\.gguf' \(SHA-256 .*other\.gguf is another"):
        export_agent(ExportSettings(trained, tmp_path / "out", gguf=other))
    assert not (tmp_path / "out").exists()


def test_which_base_is_never_guessed(tmp_path, base):
    foreign = write_peft(tmp_path / "foreign")
    with pytest.raises(ConfigError, match=r"does not say which base it is for .*--gguf"):
        export_agent(ExportSettings(foreign, tmp_path / "out"))
    data = {"name": "owner/model", "kind": "hub", "architecture": "llama", "sha256": "0" * 64}
    on_hub = write_provenance(write_peft(tmp_path / "hub"), base, base=data)
    with pytest.raises(ConfigError, match="trained on 'owner/model', which is not a GGUF file"):
        export_agent(ExportSettings(on_hub, tmp_path / "out"))
    made = export_agent(ExportSettings(on_hub, tmp_path / "out", gguf=base))
    assert made.adapter["base"]["trained_on"] == data


# --- the folder


def test_an_export_is_an_agent_of_its_seats_with_all_it_came_from(tmp_path, base, trained):
    save_artifact(
        Artifact("policy", {"name": "fixed:joy"}, settings={"x": 1}, scores={"utility": 0.5}), tmp_path / "policy"
    )
    settings = ExportSettings(trained, tmp_path / "out", tmp_path / "policy", ("creditor", "debtor"), base)
    made = export_agent(settings)
    for seat in ("creditor", "debtor"):
        agent = find_agent(str(tmp_path / "out"), seat)
        assert agent.make_policy().choose(None, None) == "joy"
        assert agent.adapter.path == str(tmp_path / "out" / "adapter.gguf")
        assert agent.declared()["settings"]["adapter"] == made.adapter["sha256"][:16]
    assert made == load_artifact(tmp_path / "out")
    assert made.adapter["base"] == {
        "name": "base.gguf",
        "sha256": json.loads((trained / "provenance.json").read_text())["base"]["sha256"],
        "architecture": "llama",
    }
    assert made.provenance["adapter"]["data"] == {"digest": "d" * 64}
    assert made.provenance["adapter"]["settings"] == {"seed": 5}
    assert made.provenance["policy"]["digest"] == load_artifact(tmp_path / "policy").digest
    assert made.scores == {"adapter": {"loss": 1.5}, "policy": {"utility": 0.5}}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.gguf", "out", "policy", "sft"]
    assert "ADAPTER ./adapter.gguf\n" in (tmp_path / "out" / "Modelfile").read_text()


def test_a_seat_that_it_was_not_trained_for_is_refused(tmp_path, base, trained):
    export_agent(ExportSettings(trained, tmp_path / "out", seats=("debtor",), gguf=base))
    with pytest.raises(AgentError, match="out is a trained debtor; give it to --debtor"):
        find_agent(str(tmp_path / "out"), "creditor")


@pytest.mark.parametrize("damage", [lambda path: path.unlink(), lambda path: path.write_bytes(b"other")])
def test_an_adapter_that_is_not_the_one_that_was_written_is_refused(tmp_path, base, trained, damage):
    export_agent(ExportSettings(trained, tmp_path / "out", gguf=base))
    damage(tmp_path / "out" / "adapter.gguf")
    with pytest.raises(AgentError, match=r"adapter\.gguf is damaged or missing .*export it again"):
        find_agent(str(tmp_path / "out"), "creditor")


def test_a_folder_that_is_there_is_left_alone(tmp_path, base, trained):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="already exists; name another"):
        export_agent(ExportSettings(trained, tmp_path / "out", gguf=base))
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["notes.txt"]


@pytest.mark.parametrize("step", ["write_tensors_to_file", "write_kv_data_to_file"])
def test_a_full_disk_leaves_nothing(tmp_path, base, trained, monkeypatch, step):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(gguf.GGUFWriter, step, full)
    with pytest.raises(StoreError, match=r"out cannot be written .*No space left on device.*--out"):
        export_agent(ExportSettings(trained, tmp_path / "out", gguf=base))
    assert sorted(tmp_path.iterdir()) == before


def test_an_export_that_is_killed_leaves_nothing_that_play_takes_up(tmp_path, base, trained):
    """It kills itself where the most is written: when all but the renaming is done."""
    script = f"""
        import os, pathlib, signal
        from poise.training.export.exporting import ExportSettings, export_agent
        def replace(path, to):
            os.kill(os.getpid(), signal.SIGKILL) if path.is_dir() else os.replace(path, to)
        pathlib.Path.replace = replace
        export_agent(ExportSettings(pathlib.Path({str(trained)!r}), pathlib.Path({str(tmp_path / "out")!r}),
               gguf=pathlib.Path({str(base)!r})))
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(script)], check=False)
    assert done.returncode == -signal.SIGKILL
    with pytest.raises(AgentError):
        find_agent(str(tmp_path / "out"), "creditor")
    export_agent(ExportSettings(trained, tmp_path / "out", gguf=base))  # and the command can be repeated
    assert find_agent(str(tmp_path / "out"), "creditor").adapter


def test_the_command_says_how_to_play_it(tmp_path, base, trained):
    told = CliRunner().invoke(
        app, ["train", "export", "--adapter", str(trained), "--gguf", str(base), "--out", str(tmp_path / "out")]
    )
    assert (told.exit_code, told.output) == (0, f"play it with: --creditor {tmp_path / 'out'}\n")
    for wrong in (["--seat", "bank"], ["--precision", "int4"], ["--base", "x"]):
        told = CliRunner().invoke(app, ["train", "export", "--adapter", str(trained), "--out", "x", *wrong])
        assert told.exit_code == 1
        assert "error: " in told.output


# --- Ollama

OK = Answer([{"status": "success"}])
LISTED = Answer([{"models": []}])


def shown(base: BaseFile, **other) -> Answer:
    """What Ollama shows of a model: by default of the base itself."""
    sizes = {f"llama.{name}": size for name, size in base.sizes.items()}
    blob = f"FROM /models/blobs/sha256-{base.sha256}\n"
    body = {"details": {}, "modelfile": blob, "model_info": {"general.architecture": "llama", **sizes}}
    return Answer([{**body, **other}])


@pytest.fixture
def server(monkeypatch):
    def start(*answers):
        made = StandIn(list(answers))
        made.__enter__()
        started.append(made)
        monkeypatch.setenv("OLLAMA_HOST", made.address)
        return made

    started = []
    yield start
    for each in started:
        each.__exit__()


def test_an_ollama_model_is_made_of_the_base_there_and_the_adapter(tmp_path, base, trained, server):
    asked = server(shown(read_base(base)), OK)
    made = export_agent(ExportSettings(trained, tmp_path / "out", gguf=base, ollama=Served("deal", "smol:135m")))
    digest = made.adapter["sha256"]
    assert asked.paths == ["/api/show", f"/api/blobs/sha256:{digest}", "/api/create"]
    assert asked.asked[1] == {"sha256": digest}  # of what was sent
    create = asked.asked[2]
    assert (create["model"], create["from"]) == ("deal", "smol:135m")
    assert create["adapters"] == {"adapter.gguf": f"sha256:{digest}"}
    assert made.adapter["ollama"] == {"model": "deal", "base": "smol:135m"}
    assert (tmp_path / "out" / "Modelfile").read_text().count("\nFROM smol:135m\n") == 1


def test_without_a_base_there_the_base_itself_is_sent(tmp_path, base, trained, server):
    asked = server(LISTED, OK)
    export_agent(ExportSettings(trained, tmp_path / "out", gguf=base, ollama=Served("deal")))
    assert [path.split("/")[2].partition(":")[0] for path in asked.paths] == ["tags", "blobs", "blobs", "create"]
    assert "from" not in asked.asked[-1]
    assert asked.asked[-1]["files"] == {"base.gguf": f"sha256:{read_base(base).sha256}"}


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ({"modelfile": "FROM x", "model_info": {"general.architecture": "gemma3"}}, "architecture 'gemma3'"),
        ({"modelfile": "FROM x", "model_info": {"general.architecture": "llama"}}, "has block_count None"),
        ({"modelfile": "FROM /models/blobs/sha256-0000"}, "other weights, perhaps another quantisation"),
    ],
)
def test_an_ollama_model_that_is_not_the_base_is_refused_up_front(tmp_path, base, trained, server, other, told):
    asked = server(shown(read_base(base), **other))
    with pytest.raises(ConfigError, match=told):
        export_agent(ExportSettings(trained, tmp_path / "out", gguf=base, ollama=Served("deal", "smol:135m")))
    assert asked.paths == ["/api/show"]
    assert not (tmp_path / "out").exists()


def test_another_quantisation_is_taken_when_asked_for(base, server):
    file = read_base(base)
    server(shown(file, modelfile="FROM /models/blobs/sha256-0000"))
    check_server(Served("deal", "smol:135m"), file, other_weights=True)


def test_a_server_that_is_down_or_refuses_leaves_nothing(tmp_path, base, trained, server, monkeypatch):
    server(shown(read_base(base)), Answer([{"error": "unsupported architecture"}], status=500))
    settings = ExportSettings(trained, tmp_path / "out", gguf=base, ollama=Served("deal", "smol:135m"))
    with pytest.raises(ModelDown, match="unsupported architecture"):
        export_agent(settings)
    monkeypatch.setenv("OLLAMA_HOST", f"127.0.0.1:{free_port()}")
    with pytest.raises(ModelDown, match="start it with `ollama serve`"):
        export_agent(settings)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base.gguf", "sft"]


def test_play_is_refused_where_the_servers_model_lacks_the_adapter(tmp_path, base, trained, server):
    made = export_agent(ExportSettings(trained, tmp_path / "out", gguf=base))
    adapter = find_agent(str(tmp_path / "out"), "creditor").adapter
    asked = server(
        Answer(
            [{"details": {}, "model_info": {}, "modelfile": f"FROM x\nADAPTER /blobs/sha256-{made.adapter['sha256']}"}]
        ),
        Answer([{"details": {}, "model_info": {}, "modelfile": "FROM x"}]),
    )
    settings = ModelSettings(base_url=asked.address)
    check_model("ollama:deal", settings, adapter)
    with pytest.raises(ModelMissing, match=r"Ollama's 'deal' does not have the adapter .*--ollama NAME"):
        check_model("ollama:deal", settings, adapter)


@pytest.mark.data
def test_a_real_ollama_names_the_base_as_expected(server):
    if not RECORDED.exists():
        pytest.skip("no recorded exchanges")
    recorded = recorded_exchanges()["show"]
    info = recorded["response"]["body"]["model_info"]
    names = (
        "block_count",
        "embedding_length",
        "feed_forward_length",
        "attention.head_count",
        "attention.head_count_kv",
    )
    sizes = {name: info[f"llama.{name}"] for name in names}
    file = BaseFile(Path("x.gguf"), SMOLLM2_WEIGHTS.sha256, "llama", sizes, {})
    server(answer(recorded))
    check_server(Served("deal", "smollm2:135m"), file)
    other = BaseFile(Path("x.gguf"), "0" * 64, "llama", sizes, {})
    with pytest.raises(ConfigError, match="other weights"):
        check_server(Served("deal", "smollm2:135m"), other)
    check_server(Served("deal", "smollm2:135m"), other, other_weights=True)


# --- the words


@pytest.fixture(scope="module")
def model():
    """The embedded model in transformers, with a random adapter of rank 8 that changes its replies."""
    torch = pytest.importorskip("torch")
    peft = pytest.importorskip("peft")
    from poise.training.language.base import load_base
    from poise.training.libraries import quietly

    base = load_base()
    config = peft.LoraConfig(r=8, lora_alpha=16, target_modules=["q_proj", "k_proj", "v_proj", "o_proj"])
    with quietly(), torch.random.fork_rng():
        torch.manual_seed(3)
        tuned = peft.get_peft_model(base.model, config).eval()
        for name, values in tuned.named_parameters():
            if "lora_B" in name:
                values.data.normal_(0.0, 0.2)
    return base, tuned


@pytest.mark.model
def test_the_exported_adapter_says_what_the_trained_one_does(model, tmp_path):
    """As close as llama.cpp and transformers come without any adapter, which is what 8-bit rounding leaves."""
    from poise.training.libraries import quietly

    base, tuned = model
    with quietly():
        tuned.save_pretrained(str(tmp_path / "peft"))
    made = export_agent(ExportSettings(tmp_path / "peft", tmp_path / "out", gguf=find_weights()))
    paths = {made.adapter["sha256"]: str(tmp_path / "out" / "adapter.gguf")}
    prompts = [base.tokenizer(text)["input_ids"] for text in ("I need 71 days to repay, and", "The doctor said that")]
    engine = Engine(find_weights(), 1, 256, 0, paths)
    with tuned.disable_adapter():
        floor = compare([greedy_replies(tuned, prompt, 5) for prompt in prompts], engine, "")
    spoken = [greedy_replies(tuned, prompt, 5) for prompt in prompts]
    right = compare(spoken, engine, next(iter(paths)))
    wrong = compare(spoken, engine, "")
    engine.close()
    assert floor.kl < 0.02
    assert right.kl < 0.02
    assert wrong.kl > 0.1  # the adapter matters
    assert right.same_token >= 0.9
