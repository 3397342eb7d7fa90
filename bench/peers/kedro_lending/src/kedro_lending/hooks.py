"""The Spark session, started as Kedro's guide to PySpark says."""

from typing import Any

from kedro.framework.hooks import hook_impl
from pyspark import SparkConf
from pyspark.sql import SparkSession


class SparkHooks:
    """Start Spark before the first node."""

    @hook_impl
    def after_context_created(self, context: Any) -> None:
        """Start the session with the settings of conf/base/spark.yml."""
        settings = context.config_loader["spark"]
        conf = SparkConf().setAll(settings.items())
        spark = SparkSession.builder.appName("kedro_lending").config(conf=conf).getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
