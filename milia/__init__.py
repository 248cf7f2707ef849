"""Milia Triage: what the assistant may say, how it decides, and the Rasa parts that carry it."""
