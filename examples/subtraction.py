"""A network learns differences: a regressor, with targets below zero.

    python examples/subtraction.py                              in this process
    python examples/subtraction.py redis://127.0.0.1:6390       through a server
"""

import sys

import respnet
from respnet.demos import subtraction

settings = {"role": "regressor", "train_rows": 400, "test_rows": 200, "normalize": True, "seed": 1}
if sys.argv[1:]:
    net = respnet.connect(sys.argv[1]).create("subtraction", 2, 10, 1, **settings)
else:
    net = respnet.Network(2, 10, 1, **settings)

x, y = subtraction(900, seed=1)
net.observe(x[:600], y[:600])
net.train(autostop=True, backtrack=True, max_time=10)

for a, b in ((12, 30), (7, 41), (49, 1)):
    print(f"{a} - {b} = {net.run([a, b])[0]:.2f}")
error = abs(net.run(x[600:]) - y[600:]).mean()
print(f"mean absolute error {error:.3f} on {len(x) - 600} pairs it has not seen")
