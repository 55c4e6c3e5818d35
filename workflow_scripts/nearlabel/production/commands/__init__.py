"""The console command ``nearlabel``."""
