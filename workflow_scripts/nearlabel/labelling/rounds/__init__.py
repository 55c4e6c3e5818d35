"""The rounds: what each asks for, what is drawn at random, what that proves."""
