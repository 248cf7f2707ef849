"""Rasa graph components: what the assistant reads out of one message."""
