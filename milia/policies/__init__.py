"""Rasa policies: what must hold whatever the rules say."""
