"""What Spark's analyzer tells of tables and stages without a job. Knows Spark only."""
