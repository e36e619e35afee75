"""Where a target is: position models evaluated for readers and planners."""
