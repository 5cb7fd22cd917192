"""What a message says: its numbers, its clauses, and the move that its words make."""
