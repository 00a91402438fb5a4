//! What only the worker does. (being written)
