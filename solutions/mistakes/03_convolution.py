# Known mistakes in notebook 03, as students write them; each title is the name of a Misconception.
