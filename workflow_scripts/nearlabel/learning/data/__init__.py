"""What is learnt from: decoded images, stored arrays, folds."""
