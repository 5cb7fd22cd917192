"""Scenarios: loading, generating, published files."""
