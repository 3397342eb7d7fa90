"""Settings of the project."""

from kedro_lending.hooks import SparkHooks

HOOKS = (SparkHooks(),)
CONFIG_LOADER_ARGS = {
    "base_env": "base",
    "default_run_env": "local",
    "config_patterns": {"spark": ["spark*"]},
}
