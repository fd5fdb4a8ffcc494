# Known mistakes in notebook 04, as students write them; each title is the name of a Misconception.
