"""The data sets: where images and their near-labels come from."""

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from nearlabel.config.base import FileName, Label, Model, Share


class Sample(Model):
    """A seeded sample of the data set."""

    n: int = Field(ge=2, description="Number of images to draw.")
    balance: bool = Field(False, description="Draw equally many of each near-label.")


class _Dataset(Model):
    near_labels: dict[Label, Label | None] | FileName | None = Field(
        None,
        description="Class → near-label, `default` for the classes not named; or a CSV with image_id and near_label; "
        "absent: the class itself.",
    )
    sample: Sample | None = Field(None, description="Draw a seeded sample instead of taking every image.")
    min_accepted: Share = Field(0.5, description="Stop when a smaller share of the images than this can be read.")
    max_pixels: int = Field(
        178_956_970, gt=0, description="Refuse an image with more pixels than this (decompression bombs)."
    )
    max_aspect: float = Field(
        1000, ge=1, description="Refuse an image whose long side is more than so many times the short one."
    )
    bits: Literal["auto", 8, 10, 12, 14, 16] = Field(
        "auto",
        description="Bits that the camera's values use in files of 16 bits, one scale for the whole data set; auto: "
        "the fewest that hold all images.",
    )
    float_range: Annotated[list[float], Field(min_length=2, max_length=2)] | None = Field(
        None,
        description="Values of floating-point images that become black and white; absent: 0 to 1, to 255 or to 65535, "
        "whichever all images need.",
    )

    @field_validator("bits", mode="before")
    @classmethod
    def _read_bits(cls, bits):
        # From the command line numbers come as text.
        return int(bits) if isinstance(bits, str) and bits.isdecimal() else bits

    @field_validator("float_range")
    @classmethod
    def _check_float_range(cls, limits):
        if limits is not None and not limits[0] < limits[1]:
            raise ValueError(f"must be the lowest value and a higher one, not {limits}")
        return limits


class ImageFolder(_Dataset):
    """A folder of images, one sub-folder per class or none."""

    kind: Literal["image_folder"]
    root: FileName = Field(description="The folder.")
    classes: bool = Field(True, description="The first sub-folder is the class.")


class Csv(_Dataset):
    """Images listed in a CSV."""

    kind: Literal["csv"]
    file: FileName = Field(description="The CSV.")
    root: FileName | None = Field(None, description="Folder that the paths start from; absent: the CSV's own.")
    path_column: str = Field("path", description="Column with the image's path.")
    label_column: str | None = Field(None, description="Column with the class.")
    part_column: str | None = Field(None, description="Column with the part; images of one part stay in one fold.")
    extra_columns: list[str] = Field(
        [], description="Columns, as the machine or the product, that the report holds the groups against."
    )

    @field_validator("extra_columns")
    @classmethod
    def _check_extra_columns(cls, columns):
        # They become columns beside image_id, and rows of tables by name.
        if "image_id" in columns or "" in columns or len(set(columns)) < len(columns):
            raise ValueError(f"must be different names of columns, none of them image_id, not {columns}")
        return columns


class Severstal(_Dataset):
    """Severstal steel defect detection: `train.csv` and `train_images/`."""

    kind: Literal["severstal"]
    root: FileName = Field(description="The folder with train.csv and train_images/.")


class KolektorSdd(_Dataset):
    """KolektorSDD: `kosNN/PartN.jpg` and `kosNN/PartN_label.bmp`."""

    kind: Literal["kolektor_sdd"]
    root: FileName = Field(description="The folder with the kosNN folders.")


class KolektorSdd2(_Dataset):
    """KolektorSDD2: `train/` and `test/` with `NNNNN.png` and `NNNNN_GT.png`."""

    kind: Literal["kolektor_sdd2"]
    root: FileName = Field(description="The folder with train/ and test/.")


class MagneticTile(_Dataset):
    """Magnetic tile defects: `MT_*/Imgs/*.jpg`, masks as PNG beside."""

    kind: Literal["magnetic_tile"]
    root: FileName = Field(description="The folder with the MT_* folders.")


class MvtecAd(_Dataset):
    """MVTec AD and its like: `train/good/`, `test/scratch/`, `ground_truth/scratch/`, of one category or of several."""

    kind: Literal["mvtec"]
    root: FileName = Field(description="The folder with train/ and test/, or one with such a folder for each category.")


class Synthetic(_Dataset):
    """Steel strips drawn on the spot."""

    kind: Literal["synthetic"]
    count: int = Field(240, ge=4, description="Number of strips.")
    height: int = Field(64, ge=16, description="Height of a strip in pixels.")
    width: int = Field(256, ge=16, description="Width of a strip in pixels.")
    defect_share: Share = Field(0.5, description="Share of strips with a defect.")
    rare_share: Share = Field(0.04, description="Share of the rare kind among the defective strips.")
    contrast: float = Field(1.0, gt=0, le=1, description="What defects change is multiplied by this; 1: clearly seen.")
    kinds: list[Literal["scratches", "inclusions", "patches", "crazing"]] = Field(
        ["scratches", "inclusions", "patches", "crazing"], min_length=1, description="Common kinds of defect."
    )


Dataset = Annotated[
    ImageFolder | Csv | Severstal | KolektorSdd | KolektorSdd2 | MagneticTile | MvtecAd | Synthetic,
    Field(discriminator="kind"),
]

KINDS = tuple(get_args(model.model_fields["kind"].annotation)[0] for model in get_args(get_args(Dataset)[0]))
