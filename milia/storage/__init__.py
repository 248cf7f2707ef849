"""Where conversations are kept: the tables, the tracker store that Rasa uses, and what channels, staff and commands read."""
