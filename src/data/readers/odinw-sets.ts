/** The sets of Object Detection in the Wild: which are among the 13 and the 35, and GLIP's prompts for their classes. */

export interface OdinwSetName {
  name: string;
  /** One of the 13 sets of GLIP's paper; all are among the 35. */
  isAmong13: boolean;
  /** Classes in the order of the caption, if GLIP's configuration names them. */
  classes?: readonly string[];
  /** Other words for a class, as [before, word, after]; only in the configuration of the 35 sets. */
  prompts?: Readonly<Record<string, readonly [before: string, word: string, after: string]>>;
}

const vocClasses =
  "aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person pottedplant sheep sofa train tvmonitor".split(
    " ",
  );

/** The 13 sets (microsoft/GLIP `configs/odinw_13`) in the order of the paper's table. */
export const odinw13: readonly OdinwSetName[] = [
  { name: "PascalVOC", isAmong13: true, classes: vocClasses },
  { name: "AerialMaritimeDrone_large", isAmong13: true, classes: ["boat", "car", "dock", "jetski", "lift"] },
  {
    name: "Aquarium",
    isAmong13: true,
    classes: ["fish", "jellyfish", "penguin", "puffin", "shark", "starfish", "stingray"],
    prompts: {
      penguin: ["", "penguin", " , which is black and white"],
      puffin: ["", "puffin", " with orange beaks "],
      stingray: ["", "stingray", " which is flat and round"],
    },
  },
  {
    name: "CottontailRabbits",
    isAmong13: true,
    classes: ["Cottontail-Rabbit"],
    prompts: { "Cottontail-Rabbit": ["", "rabbit", ""] },
  },
  { name: "EgoHands_generic", isAmong13: true, classes: ["hand"], prompts: { hand: [" ", "hand", " of a person"] } },
  {
    name: "NorthAmericaMushrooms",
    isAmong13: true,
    classes: ["CoW", "chanterelle"],
    prompts: { CoW: ["", "flat mushroom", ""], chanterelle: ["", "yellow mushroom", ""] },
  },
  {
    name: "Packages_Raw",
    isAmong13: true,
    classes: ["package"],
    prompts: { package: ["there is a ", "package", " on the porch"] },
  },
  { name: "Raccoon", isAmong13: true, classes: ["raccoon"] },
  { name: "ShellfishOpenImages_raw", isAmong13: true, classes: ["Crab", "Lobster", "Shrimp"] },
  {
    name: "VehiclesOpenImages_416x416",
    isAmong13: true,
    classes: ["Ambulance", "Bus", "Car", "Motorcycle", "Truck"],
  },
  { name: "pistols_export", isAmong13: true, classes: ["pistol"] },
  {
    name: "pothole",
    isAmong13: true,
    classes: ["pothole"],
    prompts: { pothole: ["there are some ", "holes", " on the road"] },
  },
  { name: "thermalDogsAndPeople", isAmong13: true, classes: ["dog", "person"] },
];

/** The 35 sets (`configs/odinw_35/_all.json`). The classes of the other 22 are in their annotation files. */
export const odinw35: readonly OdinwSetName[] = [
  ...odinw13,
  ...(
    "AerialMaritimeDrone_tiled AmericanSignLanguageLetters BCCD ChessPieces DroneControl EgoHands_specific HardHatWorkers MaskWearing " +
    "MountainDewCommercial OxfordPets_by-breed OxfordPets_by-species PKLot_640 ThermalCheetah UnoCards WildfireSmoke boggleBoards " +
    "brackishUnderwater dice_mediumColor openPoetryVision plantdoc_416x416 selfdrivingCar websiteScreenshots"
  )
    .split(" ")
    .map((name) => ({ name, isAmong13: false })),
];
