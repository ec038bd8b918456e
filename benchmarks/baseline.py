"""The bare work of a start: `import onnxruntime` and one session, as the libraries come or with threads as ours."""

from chalicelib.model.session import SPINNING

AS_THEY_COME = "bare work"
AS_OURS = "bare work, threads as ours"


def session_of(model: str) -> dict[str, str]:
    """Both programs by name. `model`: Python that gives the path."""
    create = f"session = onnxruntime.InferenceSession({model}, options, providers=['CPUExecutionProvider'])"
    start = "import onnxruntime\noptions = onnxruntime.SessionOptions()\n"
    entries = "".join(f"options.add_session_config_entry({key!r}, {value!r})\n" for key, value in SPINNING.items())
    return {
        AS_THEY_COME: start + create,
        AS_OURS: f"import os\nos.environ['OPENBLAS_NUM_THREADS'] = '1'\n{start}{entries}{create}",
    }
