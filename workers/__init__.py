"""The processes that run workflows and activities."""
