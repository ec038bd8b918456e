"""Result pages: answers that clients asked to keep, as pages that they can share."""
