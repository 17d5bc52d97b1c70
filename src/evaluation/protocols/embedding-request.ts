/** The request to an encoder for a picture and texts, and their vectors. */

/** The request for the vector of a picture, and those of texts. */
export interface EmbeddingRequest {
  picture?: string;
  texts?: readonly string[];
  /** One vector for all texts instead of one each: the mean of their unit vectors, or of the vectors as they are. */
  mean?: "unit" | "raw";
}

/** The numbers of a vector; not normalised. */
export type Vector = readonly number[];
