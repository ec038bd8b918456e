"""A study as files of other programs: Camtrap DP, Darwin Core, MegaDetector, COCO, XMP and flat CSV."""
