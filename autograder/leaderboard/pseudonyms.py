"""Words that pseudonyms are made of."""

_ADJECTIVES = """
Amber Bold Brave Bright Calm Clever Coral Crimson Curious Daring Eager Early Emerald Fast Gentle Golden
Happy Hidden Honest Humble Indigo Ivory Jolly Keen Kind Lively Lucky Lunar Merry Mighty Misty Noble Olive
Patient Polar Proud Quick Quiet Rapid Rosy Royal Ruby Sandy Scarlet Silent Silver Sleepy Smart Snowy
Steady Sunny Swift Tidy Velvet Violet Warm Wild Wise Witty Young
"""

_ANIMALS = """
Ant Badger Bat Bear Beaver Bison Camel Carp Cat Cheetah Cobra Condor Crab Crane Deer Dingo Dolphin Dove
Eagle Eel Elk Falcon Ferret Finch Fox Frog Gecko Goose Hare Hawk Hedgehog Heron Horse Ibis Jackal Jay
Koala Lark Lemur Lion Lizard Llama Lynx Marten Mole Moose Moth Newt Ocelot Orca Osprey Otter Owl Panda
Parrot Pelican Penguin Pike Puffin Quail Rabbit Raven Robin Salmon Seal Shark Snail Sparrow Squid Stork
Swan Tapir Tiger Toad Trout Turtle Viper Walrus Whale Wolf Wombat Yak Zebra
"""

ADJECTIVES = tuple(_ADJECTIVES.split())
ANIMALS = tuple(_ANIMALS.split())
