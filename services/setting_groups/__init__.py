"""The settings of API, workers and commands, by what they are about."""
