"""Who decides: emotions, policies, concessions, personas and voices."""
