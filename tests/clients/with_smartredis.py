"""SmartRedis, Python client: PORT, FOLDER with model.onnx."""

import os
import sys
from pathlib import Path

import numpy as np

port, folder = int(sys.argv[1]), Path(sys.argv[2])
os.environ.update(SSDB=f"127.0.0.1:{port}", SR_DB_TYPE="Standalone", SR_LOG_LEVEL="QUIET")

from smartredis import Client, Dataset  # noqa: E402  (it reads the environment)

client = Client(None, logger_name="test")
row, wanted = np.load(folder / "row.npy"), np.load(folder / "wanted.npy")

client.put_tensor("row", row)
assert np.array_equal(client.get_tensor("row"), row) and client.tensor_exists("row")
client.copy_tensor("row", "copy")
client.rename_tensor("copy", "other")
assert np.array_equal(client.get_tensor("other"), row) and not client.tensor_exists("copy")
client.delete_tensor("other")

client.set_model_from_file("m", str(folder / "model.onnx"), "ONNX", "CPU")
assert client.model_exists("m") and client.get_model("m") == (folder / "model.onnx").read_bytes()
client.run_model("m", inputs=["row"], outputs=["out"])
assert np.allclose(client.get_tensor("out"), wanted, atol=1e-5)
client.delete_model("m")

data = Dataset("set")
data.add_tensor("row", row)
data.add_meta_scalar("step", 3)
data.add_meta_string("name", "first")
client.put_dataset(data)
found = client.get_dataset("set")
assert np.array_equal(found.get_tensor("row"), row)
assert found.get_meta_scalars("step")[0] == 3 and found.get_meta_strings("name") == ["first"]
print("done")
