"""The watcher's database: images, sightings, labels, corrections, events."""
