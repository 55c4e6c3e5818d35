"""Where labels go: JSON lines, a webhook, MQTT."""
