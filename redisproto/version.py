"""What INFO and HELLO tell about versions."""

from importlib.metadata import version

REDIS_VERSION = "7.0.15"  # the Redis whose replies are ours; clients choose features by it
REDISAI_VERSION = 10207  # the RedisAI whose replies are ours, as MODULE LIST writes it
RESPNET_VERSION = version("respnet")
