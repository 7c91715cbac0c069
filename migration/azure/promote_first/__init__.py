"""A read replica that is promoted while clients still write on its source, and follows the source again."""
