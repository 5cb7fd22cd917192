"""Offline reinforcement learning."""
