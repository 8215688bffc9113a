"""The parts of the Laboratory page: choose a case, see the result, its speed and its code."""
