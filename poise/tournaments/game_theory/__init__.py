"""What game theory says of a tournament."""
