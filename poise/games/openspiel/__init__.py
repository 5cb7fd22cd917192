"""The bargaining game of OpenSpiel and its theory."""
