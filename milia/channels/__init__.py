"""The ways in which people reach the bot: each channel is a Rasa `InputChannel`, named in credentials.yml by its class."""
