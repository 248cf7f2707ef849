"""Seeing the bot run: health, metrics, logs and traces, none of which holds what people write or who they are."""
