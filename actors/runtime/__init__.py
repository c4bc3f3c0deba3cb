"""What every actor stands on: the loop, the bus, the child entry, the clock."""
