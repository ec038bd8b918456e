"""The bare work of a cold start, the baseline of other benchmarks: import onnxruntime and open one session."""

from chalicelib.model.session import SPINNING


def session_program(model: str, *, default_threads: bool = False) -> str:
    """Return a program that opens a session.

    The program configures the threads of numpy and onnxruntime like the app. `default_threads`: use the defaults of
    these libraries instead. `model`: a Python expression for the model's path.
    """
    threads = "" if default_threads else "import os\nos.environ['OPENBLAS_NUM_THREADS'] = '1'\n"
    entries = {} if default_threads else SPINNING
    options = "".join(f"options.add_session_config_entry({key!r}, {value!r})\n" for key, value in entries.items())
    return (
        f"{threads}import onnxruntime\noptions = onnxruntime.SessionOptions()\n{options}"
        f"session = onnxruntime.InferenceSession({model}, options, providers=['CPUExecutionProvider'])\n"
    )
