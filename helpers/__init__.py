"""What the lessons have taught, kept for later lessons, and the data, pictures and widgets that they use."""
