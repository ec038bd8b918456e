"""A study as files for other programs: Camtrap DP, Darwin Core, MegaDetector, COCO, XMP and flat CSV."""
