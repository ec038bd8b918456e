"""Small videos for tests."""

from collections.abc import Sequence
from pathlib import Path

from PIL import Image

FPS = 10


def write_video(
    path: Path, pictures: Sequence[Image.Image], *, fps: int = FPS, codec: str = "mpeg4", **metadata: str
) -> None:
    """Write a video with a frame for each picture. The suffix says the container. `metadata`: of the container."""
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = pictures[0].size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        stream.codec_context.gop_size = fps
        container.metadata.update(metadata)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))  # type: ignore[no-untyped-call]
        container.mux(stream.encode())
