"""Small copies of core's targets and cameras, so that uploads outlive core."""
