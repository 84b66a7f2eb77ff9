"""What is computed and from what: networks, images, maps, visualizations, measurements and their stored pictures."""

from .computations import (
    Computation,
    NetworkUpload,
    OfNetwork,
    SaliencyMap,
    Visualization,
    array_path,
    upload_path,
)
from .inputs import Image, Network, checkpoint_path, digest, image_path, mask_path, unguessable
from .measurements import Measurement
from .pictures import Picture, picture_path, standard_pictures
from .work import State, Work, Worker, WorkQuerySet

__all__ = [
    "Computation",
    "Image",
    "Measurement",
    "Network",
    "NetworkUpload",
    "OfNetwork",
    "Picture",
    "SaliencyMap",
    "State",
    "Visualization",
    "Work",
    "WorkQuerySet",
    "Worker",
    "array_path",
    "checkpoint_path",
    "digest",
    "image_path",
    "mask_path",
    "picture_path",
    "standard_pictures",
    "unguessable",
    "upload_path",
]
