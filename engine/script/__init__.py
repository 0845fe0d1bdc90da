"""Scripts: small functions over tensors, written as in TorchScript, run step by step by us.

``source`` reads the text and refuses what is no script; ``expressions`` and ``statements`` turn
what is on their lists into closures; ``rows_*`` hold the functions of torch a script may call.
Nothing of a script is ever handed to Python to run.
"""

from respnet.engine.errors import ScriptError
from respnet.engine.script.annotations import Kind
from respnet.engine.script.limits import Limits
from respnet.engine.script.script import Function, Host, Script

__all__ = ["Function", "Host", "Kind", "Limits", "Script", "ScriptError"]
