"""Three concentric classes in the plane: a classifier with two inputs, and a map of what it says.

    python examples/circles.py                              in this process
    python examples/circles.py redis://127.0.0.1:6390       through a server
"""

import sys

import respnet
from respnet.demos import circles
from respnet.draw import decision_grid, decision_map

settings = {"role": "classifier", "train_rows": 1000, "test_rows": 500, "seed": 1}
if sys.argv[1:]:
    net = respnet.connect(sys.argv[1]).create("circles", 2, 20, 3, **settings)
else:
    net = respnet.Network(2, 20, 3, **settings)

x, label = circles(2000, seed=1)
net.observe(x[:1500], label[:1500])
net.train(autostop=True, backtrack=True, max_time=10)

print(decision_map(decision_grid(net.classify, (-1, -1, 1, 1), 48, 24)))
right = (net.classify(x[1500:]) == label[1500:]).mean()
print(f"accuracy {right:.3f} on {len(x) - 1500} rows it has not seen")
