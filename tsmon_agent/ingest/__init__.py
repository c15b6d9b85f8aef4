"""Ingest of points that other programs have measured."""
