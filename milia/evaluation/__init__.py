"""Running conversations in bulk, scoring what comes back, and comparing with Rasa's stock pipeline."""
