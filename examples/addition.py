"""A network learns to add, through a plain Redis client: any language's would do the same.

    respnet serve &
    python examples/addition.py redis://127.0.0.1:6390
"""

import sys
import time

import redis

from respnet.demos import addition

server = redis.Redis.from_url(sys.argv[1] if sys.argv[1:] else "redis://127.0.0.1:6390")
command = server.execute_command
command("DEL", "sum")
sizes = ["DATASET", 400, "TEST", 200]
command("NR.CREATE", "sum", "REGRESSOR", 2, 10, "->", 1, "NORMALIZE", *sizes)

x, y = (rows.tolist() for rows in addition(900, seed=1))  # redis-py sends Python's numbers
with server.pipeline(transaction=False) as pipe:
    for (a, b), (total,) in zip(x[:600], y[:600], strict=True):
        pipe.execute_command("NR.OBSERVE", "sum", a, b, "->", total)
    pipe.execute()

command("NR.TRAIN", "sum", "MAXTIME", 10_000, "AUTOSTOP", "BACKTRACK")
info = {"training": 1}
while info["training"]:
    time.sleep(0.01)
    reply = command("NR.INFO", "sum")
    info = {name.decode(): value for name, value in zip(reply[0::2], reply[1::2], strict=True)}

for a, b in ((12, 30), (7, 41), (49, 1)):
    print(f"{a} + {b} = {float(command('NR.RUN', 'sum', a, b)[0]):.2f}")
answers = [float(command("NR.RUN", "sum", a, b)[0]) for a, b in x[600:]]
error = sum(abs(got - total) for got, (total,) in zip(answers, y[600:], strict=True)) / 300
print(f"mean absolute error {error:.3f} on 300 pairs it has not seen")
