"""What every room needs: errors, seeds, files, words."""
