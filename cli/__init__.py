"""The command line of Faunalens: folders of photos in, answers, exports and reports out."""
