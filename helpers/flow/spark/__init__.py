"""The second engine: the same operators on Apache Spark (the extra `[spark]`, and a JDK 17)."""
