"""The staff console, server side: who may, what the bot understood and why it said it, what to put right, what to keep.

Mounted at /staff by `channel.py`; docs/openapi/staff.yml is its contract, docs/console.md tells the story.
"""
